/** Where this project is. Its compiled form (`npm run build`) lies in `dist/` and runs from there; all else is found from the root. */
import { fileURLToPath } from 'node:url';

/** Whether this is the compiled form. */
export const isCompiled = import.meta.url.endsWith('/dist/core/project.js');

export const projectRoot = fileURLToPath(new URL(isCompiled ? '../..' : '..', import.meta.url)).replace(/[/\\]$/, '');
