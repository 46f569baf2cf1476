/**
 * Of the definitions on one page: 100 of 1 MiB would keep a gateway from everything else for seconds. With what is around them
 * they are less than the 4 MiB that a client of gRPC takes by default.
 */
export const MAX_PAGE_BYTES = 3.5 * 1024 * 1024;

/** How many of the rows make a page: as many as were asked for and fit, and always one. */
export function rowsOfPage(rows: { bytes: number }[], pageSize: number): number {
  let bytes = 0;
  const tooMuch = rows.findIndex((row, index) => (bytes += row.bytes) > MAX_PAGE_BYTES && index > 0);
  return tooMuch === -1 ? pageSize : Math.min(tooMuch, pageSize);
}
