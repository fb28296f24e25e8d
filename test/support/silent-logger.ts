/** For the Temporal SDK in tests whose failures are the point. */
const quiet = (): void => undefined;
export const silentLogger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
