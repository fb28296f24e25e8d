/** Compiles what is out of date in dist/ (build.mjs). Returns how many files were made. */
export function build(root: string, more?: readonly string[]): Promise<number>;
