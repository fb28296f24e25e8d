/** What the kit holds: paths inside the archive's folder `kit/`, and where their bytes come from. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { SourceTree } from '../../pipeline/code/source-tree.ts';
import { loaderFolder, manifestFolder, manifestOf, nvidiaLibraries } from './vulkan.ts';

export interface KitFile {
  readonly path: string;
  /** A file of this machine, or the text itself. */
  readonly from: { readonly file: string } | { readonly text: string };
  readonly isProgram?: boolean;
}

export interface KitContents {
  readonly files: readonly KitFile[];
  /** Versions by folder below node_modules. */
  readonly packages: Readonly<Record<string, string>>;
  /** The Vulkan loader of this machine; undefined if it has none. */
  readonly loader: string | undefined;
}

const entry = 'bench/offline-kit/check.ts';
/** Which check.ts reaches by other ways than imports. */
const besideEntry = ['bench/peers/demo_step.py'];
const folders = ['recipes/demo-base', 'test/fixtures/idefics3/untied-gqa'];
const singleFiles = [
  'package.json',
  'LICENSE',
  ...['cases.json', 'images.safetensors'].map((name) => `test/fixtures/idefics3/${name}`),
];

/**
 * Not needed by the check: TensorFlow.js; sharp, since its pictures are noise and never files; what onnxruntime-node's
 * install script downloads with; types.
 */
const isLeftOut = (name: string): boolean => /^@(?:tensorflow|types)\/|^(?:sharp|adm-zip|global-agent)$/.test(name);
/** Files of packages that Node may load, and their licenses. */
const loaded = /\.(?:c?js|mjs|json|node|wasm|so(?:\.[\d.]+)?)$|(?:^|\/)licen[cs]e[^/]*$/i;
/** Of other platforms; and the CUDA libraries of ONNX Runtime, which are larger than the kit may be. */
const foreign = /\/bin\/napi-v\d+\/(?!linux\/x64\/)|\/musl_|libonnxruntime_providers_|\/(?:min|cli|scripts)\//;

const loaders = [
  '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
  '/usr/lib64/libvulkan.so.1',
  '/usr/lib/libvulkan.so.1',
  '/usr/lib/chromium/libvulkan.so.1',
];

/** @param root a project that is built, with bench/ and test/ (infra/build.mjs) */
export function kitContents(root: string): KitContents {
  const tree = new SourceTree(root);
  const { sources, packages } = tree.reachedFrom([entry]);
  const versions = packageVersions(root, tree, packages);
  const loader = loaders.find((path) => existsSync(path));
  const files: KitFile[] = [
    { path: 'check', from: { file: join(root, 'bench/offline-kit/check.sh') }, isProgram: true },
    { path: 'bin/node', from: { file: process.execPath }, isProgram: true },
    ...compiledFiles(root, sources),
    ...besideEntry.map((path) => ({ path: `dist/${path}`, from: { file: join(root, path) } })),
    ...singleFiles.map((path) => ({ path, from: { file: join(root, path) } })),
    ...folders.flatMap((folder) => filesOf(root, folder)),
    ...Object.keys(versions).flatMap((folder) => packageFiles(root, folder)),
    ...nvidiaLibraries.map((library) => ({
      path: `${manifestFolder}/${library}.json`,
      from: { text: manifestOf(library) },
    })),
    ...(loader === undefined ? [] : [{ path: `${loaderFolder}/libvulkan.so.1`, from: { file: loader } }]),
  ];
  return { files, packages: versions, loader };
}

/** The built project whole; of bench/ and test/, what the check reaches. */
function compiledFiles(root: string, sources: readonly string[]): KitFile[] {
  const isOutside = (path: string): boolean => /^(?:dist\/)?(?:bench|test)\//.test(path);
  const reached = sources.filter(isOutside).map((path) => `dist/${path.replace(/\.ts$/, '.js')}`);
  return [
    ...filesOf(root, 'dist').filter(({ path }) => !isOutside(path)),
    ...reached.map((path) => ({ path, from: { file: join(root, path) } })),
  ];
}

function packageVersions(root: string, tree: SourceTree, packages: readonly string[]): Record<string, string> {
  const needed = tree.versionsOf(packages, isLeftOut);
  // Platform builds are optional dependencies of their packages.
  const natives = Object.keys(needed).flatMap((folder) => {
    const { optionalDependencies = {} } = manifestIn(root, folder);
    return Object.keys(optionalDependencies).filter((name) => existsSync(join(root, 'node_modules', name)));
  });
  return Object.fromEntries(
    Object.entries({ ...needed, ...tree.versionsOf(natives) }).map(([folder, version]) => {
      if (version !== null) return [folder, version];
      throw new MtrlError('SETUP_FAILED', 'a package of the kit is not installed', { where: folder, hint: 'npm ci' });
    }),
  );
}

function manifestIn(root: string, folder: string) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  };
}

/** Nested packages are listed by themselves. */
function packageFiles(root: string, folder: string): KitFile[] {
  return filesOf(root, folder).filter(({ path }) => {
    const own = path.slice(folder.length);
    return loaded.test(path) && !foreign.test(path) && !own.includes('/node_modules/');
  });
}

function filesOf(root: string, folder: string): KitFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .sort()
    .flatMap((name) => {
      const file = join(root, folder, name);
      if (!lstatSync(file).isFile()) return [];
      return [{ path: posix.join(folder, relative(join(root, folder), file)), from: { file } }];
    });
}
