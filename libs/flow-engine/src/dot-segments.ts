/** What a request whose path has them is answered, and never sent. */
export const DOT_SEGMENTS_ERROR = 'the path holds . or ..';

/**
 * Whether a URL's path has a part that is `.` or `..`, also as %2e. What sends it folds those, so that `/carts/7/items/..` is
 * `/carts/7/`: a request to another resource than the one its path names. Not seen by the URL class, which has folded them.
 */
export function hasDotSegments(url: string): boolean {
  // As a URL parser reads it: without tabs and line ends, up to the query, and a backslash is a slash.
  const [path = ''] = url
    .replace(/[\t\n\r]/g, '')
    .replace(/^\s*https?:[\\/]*[^\\/?#]*/i, '')
    .split(/[?#]/);
  return path.split(/[\\/]/).some((part) => /^(?:\.|%2e){1,2}\s*$/i.test(part));
}
