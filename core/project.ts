/** Location of the project. The compiled form (`npm run build`) runs from `dist/`; other paths start at the root. */
import { fileURLToPath } from 'node:url';

/** Whether this code runs from `dist/`. */
export const isCompiled = import.meta.url.endsWith('/dist/core/project.js');

export const projectRoot = fileURLToPath(new URL(isCompiled ? '../..' : '..', import.meta.url)).replace(/[/\\]$/, '');
