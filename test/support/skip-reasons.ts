/**
 * Environment variable with the file where test processes record skipped tests, as JSON lines `[test file, reason]`.
 */
export const reasonsVariable = 'MTRL_TEST_SKIP_REASONS';
