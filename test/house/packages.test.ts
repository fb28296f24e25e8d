/** What is installed: every package is pinned by a digest, and has a licence that allows its use. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { expectNone } from '../support/expect-none.ts';
import { textOf } from '../support/source-files.ts';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
}

const lock = JSON.parse(textOf('package-lock.json')) as {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Locked>>;
};
const manifest = JSON.parse(textOf('package.json')) as Readonly<Record<string, unknown>>;
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
const root = lock.packages[''] as Readonly<Record<string, unknown>> | undefined;

/** Licences, by SPDX's identifiers, that allow use beside Apache-2.0 without terms for our own sources. */
const allowed = new Set([
  ...['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT', 'Unlicense'],
  // Of files: their changes are published under the same licence, and none are made.
  'MPL-2.0',
  // Libraries that are linked at run time and can be replaced: libvips.
  'LGPL-3.0-or-later',
]);

/** Packages with another licence, or with none in their manifest, and why they may be used. */
const exceptions: Readonly<Record<string, string>> = {
  'node_modules/caniuse-lite': 'CC-BY-4.0: a table of browsers, used while building and named here',
  'node_modules/unionfs': 'Unlicense, in its file LICENSE',
};

/** Whether an expression such as `(MIT OR CC0-1.0)` is met by allowed licences. */
function isAllowed(expression: string): boolean {
  const plain = expression.replace(/[()]/g, '');
  return plain.split(' OR ').some((part) => part.split(' AND ').every((name) => allowed.has(name)));
}

describe('package-lock.json', () => {
  it('pins every package by sha512', () => {
    expect(lock.lockfileVersion).toBe(3);
    expect(packages.length).toBeGreaterThan(100);
    expectNone(
      packages.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? '')).map(([path]) => path),
    );
  });

  it('is that of package.json, whose versions are exact', () => {
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      const wanted = manifest[kind] as Readonly<Record<string, string>>;
      expect(root?.[kind]).toEqual(wanted);
      expectNone(
        Object.entries(wanted)
          .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
          .map(([name]) => name),
      );
      for (const [name, version] of Object.entries(wanted))
        expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  it('has only licences that allow the use', () => {
    const wrong = packages.filter(([path, { license }]) => !isAllowed(license ?? '') && !(path in exceptions));
    expectNone(wrong.map(([path, { license }]) => `${path}: ${license ?? 'none'}`));
    const obsolete = Object.keys(exceptions).filter((path) => {
      const found = lock.packages[path];
      return found === undefined || isAllowed(found.license ?? '');
    });
    expectNone(obsolete);
  });
});

it('npm run sbom lists every package that is installed to use it, with its version and digest', () => {
  const text = execFileSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const { bomFormat, components } = JSON.parse(text) as {
    readonly bomFormat: string;
    readonly components: readonly {
      readonly name: string;
      readonly version: string;
      readonly hashes?: readonly object[];
    }[];
  };
  expect(bomFormat).toBe('CycloneDX');
  expect(components.filter(({ hashes = [] }) => hashes.length === 0)).toEqual([]);
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const wanted = manifest['dependencies'] as Readonly<Record<string, string>>;
  expectNone(
    Object.entries(wanted)
      .map((entry) => entry.join('@'))
      .filter((name) => !listed.has(name)),
  );
});
