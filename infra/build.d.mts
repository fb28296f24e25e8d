/** Compiles missing and outdated files of dist/ (build.mjs). Returns the number of compiled files. */
export function build(root: string, more?: readonly string[]): Promise<number>;
