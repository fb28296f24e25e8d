/** Where tests' processes record why they skip tests: a file of JSON lines `[test file, reason]`. */
export const reasonsVariable = 'MTRL_TEST_SKIP_REASONS';
