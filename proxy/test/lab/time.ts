// Waiting in tests. A condition is polled until it holds; the limits are generous because the machine may be busy with other
// things, and a limit only ever ends a test that has failed already.

/** How long a test waits for something that should come at once. */
export const SOON_MS = 10_000;

export function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/**
 * Resolves as soon as `condition` gives something truthy.
 * @throws Error that names `what` when it does not within `limitMs`.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs: number = SOON_MS,
): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await sleep(10);
  }
}

/** `promise`, or an error that names `what` after `limitMs`. */
export async function within<T>(what: string, promise: Promise<T>, limitMs: number = SOON_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms in vain: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
