/**
 * An experiment as a folder that opens without a server. Its answers are scripts, because a page that is a file may not
 * read other files; a picture is a file each.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { required } from '../../core/assert.ts';
import { isRecord } from '../../artifacts/codecs/json-value.ts';
import type { Library } from '../library.ts';
import { pictureOf } from '../reading/picture.ts';
import { pageFiles } from '../server/page.ts';
import { answerTo } from '../server/routes.ts';
import { bundledAnswers } from './bundle-paths.ts';
import { fileOf } from './file-name.ts';

const policy = "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file:";

export interface Bundle {
  /** Path of its first page. */
  readonly page: string;
  readonly fileCount: number;
}

/** Writes over files of an earlier bundle. Throws NOT_FOUND, ARTIFACT_MISSING. */
export async function writeBundle(library: Library, experimentId: string, folder: string): Promise<Bundle> {
  const page = join(folder, 'index.html');
  for (const inner of ['data', 'pictures']) await mkdir(join(folder, inner), { recursive: true });
  const ask = async <T>(path: string): Promise<T> => {
    const { pathname, searchParams } = new URL(path, 'http://bundle');
    return (await required(answerTo(library, pathname, searchParams), path)) as T;
  };
  const pictures = new Set<string>();
  let fileCount = 0;
  for await (const [path, value] of bundledAnswers(ask, experimentId)) {
    await writeFile(join(folder, 'data', fileOf(path)), `studioData(${inScript(path)}, ${inScript(value)});\n`);
    fileCount++;
    for (const digest of picturesIn(value)) {
      if (pictures.has(digest)) continue;
      pictures.add(digest);
      await writeFile(join(folder, 'pictures', digest), (await pictureOf(library, experimentId, digest)).bytes);
    }
  }
  for (const [name, { content }] of Object.entries(await pageFiles())) {
    const isPage = name === 'index.html';
    await writeFile(join(folder, name), isPage ? withPolicy(String(content), experimentId) : content);
  }
  return { page, fileCount: fileCount + pictures.size + Object.keys(await pageFiles()).length };
}

/** JSON that is also a JavaScript expression. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

function withPolicy(page: string, experimentId: string): string {
  const head = `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<meta name="studio-bundle" content="${encodeURIComponent(experimentId)}">\n`;
  return page.replace('<title>', `${head}<title>`);
}

/** Digests of pictures anywhere in an answer. */
function picturesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(picturesIn);
  if (!isRecord(value)) return [];
  const { images, image, ...rest } = value;
  const several: readonly unknown[] = Array.isArray(images) ? images : [];
  const found = [...several, image].filter((each) => typeof each === 'string');
  return [...found, ...Object.values(rest).flatMap(picturesIn)];
}
