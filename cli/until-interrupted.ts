/** Resolves when the user, or a supervisor, ends the process (SIGINT, SIGTERM): for verbs that serve until then. */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
