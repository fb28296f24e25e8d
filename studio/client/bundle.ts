/**
 * Without a server a page may read no files, but it may load scripts: each file of a bundle is a script that calls
 * `studioData` with an answer of the server.
 */
import type { Answer } from './fetch-json.ts';
import { fileOf } from '../bundle/file-name.ts';

declare global {
  /** Called by the files of a bundle. */
  var studioData: (path: string, value: unknown) => void;
}

export const isBundle = location.protocol === 'file:' || document.querySelector('meta[name="studio-bundle"]') !== null;

const found = new Map<string, unknown>();
globalThis.studioData = (path, value) => {
  found.set(path, value);
};

export async function bundled<T>(path: string): Promise<Answer<T>> {
  if (!found.has(path)) await load(`data/${fileOf(path)}`);
  if (found.has(path)) return { value: found.get(path) as T };
  return {
    failure: {
      ...{ code: 'NOT_FOUND', message: 'this is not in the folder', where: path },
      hint: 'a folder holds what `mtrl report --bundle` writes: start `mtrl studio` for all the rest',
    },
  };
}

function load(source: string): Promise<void> {
  return new Promise((resolve) => {
    const script = document.createElement('script');
    script.src = source;
    script.onload = script.onerror = () => {
      script.remove();
      resolve();
    };
    document.head.append(script);
  });
}
