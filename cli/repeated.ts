/** Parses an option that may be repeated: the values in order. Its default is an empty list. */
export const repeated = (value: string, all: readonly string[]): string[] => [...all, value];
