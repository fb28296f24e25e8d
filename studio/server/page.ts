/** The one page of the studio, its script and its style sheet, as a server or a folder gives them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';
import { studioStyle } from '../style/style.ts';

export interface PageFile {
  readonly contentType: string;
  readonly content: string | Uint8Array;
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Studio</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="studio.css">
</head>
<body>
<div id="studio"><p class="waiting">The studio needs JavaScript.</p></div>
<script src="studio.js" defer></script>
</body>
</html>
`;

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#3d5afe"/><path d="M4.6 8.4l2.3 2.3 4.6-5.2" fill="none" stroke="#fff" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"/></svg>
`;

/** By name; the page itself is `index.html`. */
export async function pageFiles(): Promise<Readonly<Record<string, PageFile>>> {
  return {
    'index.html': { contentType: 'text/html; charset=utf-8', content: page },
    'studio.css': { contentType: 'text/css; charset=utf-8', content: studioStyle },
    'icon.svg': { contentType: 'image/svg+xml', content: icon },
    'studio.js': {
      contentType: 'text/javascript; charset=utf-8',
      content: await readFile(join(projectRoot, 'dist', 'pages', 'studio.js')),
    },
  };
}
