/** Logger for the Temporal SDK in tests that expect failures. */
const quiet = (): void => undefined;
export const silentLogger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
