const INTERVAL_MS = 20;

/** Asks until it does not throw, for 15 s unless told otherwise; then fails with its last error. */
export async function eventually<T>(ask: () => T | Promise<T>, withinMs = 15_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
