/**
 * Finds what a source file reaches at run time: static and dynamic imports, and the workers, child processes and
 * binaries that it names by `new URL('...', import.meta.url)`. Imports of types are not followed. The scan relies on
 * the formatter's layout; test/pipeline/code-version.test.ts compares it with the compiler.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';

/** Source paths relative to the project's root, with `/`, and package names. */
export interface Reached {
  readonly sources: readonly string[];
  readonly packages: readonly string[];
}

interface Source extends Reached {
  readonly sha256: string;
}

const scanned = /\.[cm]?[jt]s$/;
const fromClause = /^(?:import|export)\s+(?!type\s)(?:([^'";]*?)\s*from\s*)?['"]([^'"\n]+)['"]/gm;
const onlyTypes = /^\{\s*(?:type\s[^,{}]+,?\s*)+\}$/;
/** Dynamic imports, and `require` under the name given to createRequire's result. */
const calls = /\b(?:import|require\w*)\(\s*['"]([^'"\n]+)['"]\s*\)/g;
const commentLine = /^\s*(?:\/\/|\/?\*).*$/gm;
const besideThis = /new URL\(\s*['"]([^'"\n]+)['"],\s*import\.meta\.url\s*,?\s*\)/g;

export class SourceTree {
  readonly #root: string;
  readonly #known = new Map<string, Source>();
  readonly #manifests = new Map<string, PackageManifest>();

  constructor(projectRoot: string) {
    this.#root = projectRoot;
  }

  /** The direct imports of one source. */
  importsOf(path: string): Reached {
    return this.#sourceAt(path);
  }

  /** Includes `paths` themselves. Throws FILE_MISSING naming an imported source that does not exist. */
  reachedFrom(paths: readonly string[]): Reached {
    const sources = new Set(paths);
    const packages = new Set<string>();
    // The set grows while it is walked.
    for (const path of sources) {
      const direct = this.importsOf(path);
      for (const each of direct.sources) sources.add(each);
      for (const each of direct.packages) packages.add(each);
    }
    return { sources: [...sources].sort(), packages: [...packages].sort() };
  }

  /** sha256 by path. */
  digestsOf(paths: readonly string[]): Record<string, string> {
    return Object.fromEntries(paths.map((path) => [path, this.#sourceAt(path).sha256]));
  }

  /**
   * Versions of these packages and their dependencies, by folder under node_modules; `null` for a package that is not
   * installed. Optional dependencies are skipped: platform builds have the same version as their package.
   *
   * @param isLeftOut packages that are skipped with their dependencies
   */
  versionsOf(
    packages: readonly string[],
    isLeftOut: (name: string) => boolean = () => false,
  ): Record<string, string | null> {
    const versions: Record<string, string | null> = {};
    const waiting = packages.map((name) => ({ name, from: '' }));
    for (const { name, from } of waiting) {
      if (isLeftOut(name)) continue;
      const folder = this.#folderOf(name, from);
      if (folder === undefined) versions[name] = null;
      if (folder === undefined || folder in versions) continue;
      const manifest = this.#manifestIn(folder);
      versions[folder] = manifest.version;
      for (const dependency of Object.keys(manifest.dependencies ?? {})) {
        const isOptional = dependency in (manifest.optionalDependencies ?? {});
        if (!isOptional) waiting.push({ name: dependency, from: folder });
      }
    }
    return versions;
  }

  /** The package's folder as Node resolves it: in the nearest node_modules from `from` upwards. */
  #folderOf(name: string, from: string): string | undefined {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const folder = posix.join(at, 'node_modules', name);
      if (this.#manifests.has(folder) || this.#isFile(`${folder}/package.json`)) return folder;
      if (at === '') return undefined;
    }
  }

  #manifestIn(folder: string): PackageManifest {
    const known = this.#manifests.get(folder);
    if (known !== undefined) return known;
    const manifest = JSON.parse(this.#bytesOf(`${folder}/package.json`).toString('utf8')) as PackageManifest;
    this.#manifests.set(folder, manifest);
    return manifest;
  }

  #sourceAt(path: string): Source {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const source = this.#scan(path);
    this.#known.set(path, source);
    return source;
  }

  #scan(path: string): Source {
    const bytes = this.#bytesOf(path);
    if (!scanned.test(path)) return { sha256: sha256(bytes), sources: [], packages: [] };
    const text = bytes.toString('utf8').replaceAll(commentLine, '');
    const specifiers = [
      ...[...text.matchAll(fromClause)].flatMap(([, names = '', specifier = '']) =>
        onlyTypes.test(names.trim()) ? [] : [specifier],
      ),
      ...[...text.matchAll(calls)].map(([, specifier = '']) => specifier),
    ];
    const own = specifiers.filter((specifier) => specifier.startsWith('.'));
    const foreign = specifiers.filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'));
    const beside = (specifier: string): string => posix.join(dirname(path), specifier);
    const named = [...text.matchAll(besideThis)].map(([, specifier = '']) => beside(specifier));
    return {
      sha256: sha256(bytes),
      // A URL of a folder, such as the project's root, is used to build paths; nothing is loaded from it.
      sources: [...own.map(beside), ...named.filter((each) => !this.#isFolder(each))],
      packages: foreign.map(packageOf),
    };
  }

  #bytesOf(path: string): Buffer {
    try {
      return readFileSync(join(this.#root, path));
    } catch (cause) {
      throw new MtrlError('FILE_MISSING', 'a source file of this project cannot be read', {
        where: join(this.#root, path),
        hint: 'reinstall the project, or restore the file',
        cause,
      });
    }
  }

  #isFile(path: string): boolean {
    return statSync(join(this.#root, path), { throwIfNoEntry: false })?.isFile() === true;
  }

  #isFolder(path: string): boolean {
    return statSync(join(this.#root, path), { throwIfNoEntry: false })?.isDirectory() === true;
  }
}

interface PackageManifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The package of an import specifier: `@scope/name` for `@scope/name/part`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
