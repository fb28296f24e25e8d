import ts from 'typescript';
import { describe, it } from 'vitest';
import { expectNone } from '../support/expect-none.ts';
import { lineOf, linesMatching, nodesOf, projectFiles, sourceOf, textOf } from '../support/source-files.ts';

/**
 * Smallest limit of tests, hooks and polls: a limit ends a hanging test and must not decide a result on a busy machine.
 */
const hangMs = 300_000;
const lineCountMax = 400;

/** Hosts that text may name: publishers of programs, papers and specifications. */
const publicHosts = new Set([
  'arxiv.org',
  'docs.primeintellect.ai',
  'docs.temporal.io',
  'github.com',
  'go.dev',
  'huggingface.co',
  'json-schema.org',
  'keda.sh',
  'nodejs.org',
  'onnx.ai',
  'onnxruntime.ai',
  's3.us-east-1.amazonaws.com',
  'temporal.download',
  'temporal.io',
  'unpkg.com',
  'www.apache.org',
  'www.w3.org',
]);

const files = projectFiles();
const code = files.filter((path) => /\.(tsx?|mjs|js)$/.test(path));
const typed = files.filter((path) => /\.tsx?$/.test(path));
const prose = files.filter((path) => /\.(tsx?|mjs|js|json|md|ya?ml|py|html|sh|mod|toml)$|^\.ci\/|^LICENSE$/.test(path));

/** Nodes of typed files that match a predicate, as `path:line: text`. */
function found(paths: readonly string[], picks: (node: ts.Node) => boolean): string[] {
  return paths.flatMap((path) =>
    nodesOf(sourceOf(path))
      .filter(picks)
      .map((node) => `${path}:${lineOf(node)}: ${node.parent.getText().split('\n')[0]?.slice(0, 100) ?? ''}`),
  );
}

describe('strict types', () => {
  it('there is no any', () => {
    expectNone(found(typed, (node) => node.kind === ts.SyntaxKind.AnyKeyword));
  });

  it('there are no comments that silence tools', () => {
    const silencers = /\/[/*]\s*(eslint-disable|@ts-(ignore|nocheck|expect-error)|prettier-ignore)/;
    expectNone(code.flatMap((path) => linesMatching(path, silencers)));
  });
});

describe('determinism', () => {
  const pure = typed.filter((path) => /^(core|judge|policy|workflows)\//.test(path));

  it('pure rooms draw no random numbers of their own', () => {
    const isRandom = (node: ts.Node): boolean =>
      ts.isPropertyAccessExpression(node) && /^(Math\.random|crypto\.\w*random\w*)$/i.test(node.getText());
    expectNone(found(pure, isRandom));
  });

  it("pure rooms read no clock; workflows read Temporal's replayed clock in one file only", () => {
    const isClock = (node: ts.Node): boolean =>
      ts.isIdentifier(node) && node.text === 'Date' && node.getSourceFile().fileName !== 'workflows/clock.ts';
    expectNone(found(pure, isClock));
  });
});

describe('tests do not depend on the time they take', () => {
  const tests = typed.filter((path) => path.startsWith('test/'));
  const clock = /^(performance\.now|performance\.measure|Date\.now|process\.(hrtime|uptime))/;
  const reads = (node: ts.Node): boolean =>
    nodesOf(node).some((each) => ts.isPropertyAccessExpression(each) && clock.test(each.getText()));

  /** The argument of `expect(...)` or `expect.poll(...)`, and the matcher that follows it. */
  function expectation(node: ts.Node): { readonly given: ts.Expression; readonly matcher: string } | undefined {
    if (!ts.isCallExpression(node) || !/^expect(\.(poll|soft))?$/.test(node.expression.getText())) return undefined;
    const [given] = node.arguments;
    let outer: ts.Node = node;
    while (ts.isPropertyAccessExpression(outer.parent)) outer = outer.parent;
    return given && { given, matcher: ts.isPropertyAccessExpression(outer) ? outer.name.text : '' };
  }

  /** Variables and functions of a file whose definition reads a clock. */
  function timedNames(source: ts.SourceFile): ReadonlySet<string> {
    const timed = nodesOf(source).flatMap((node) =>
      (ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node)) && node.name && reads(node)
        ? [node.name.getText()]
        : [],
    );
    return new Set(timed);
  }

  it('no expectation compares against a clock', () => {
    const wrong = tests.flatMap((path) => {
      const names = timedNames(sourceOf(path));
      const isTimed = (node: ts.Node): boolean =>
        nodesOf(node).some((each) => ts.isIdentifier(each) && names.has(each.text));
      return found([path], (node) => {
        const asked = expectation(node);
        if (asked === undefined) return false;
        const { given, matcher } = asked;
        const isDuration = nodesOf(given).some(
          (each) => ts.isIdentifier(each) && /(\wMs|[eE]lapsed|[tT]ook)$/.test(each.text),
        );
        const isUpperBound = /^toBeLessThan/.test(matcher);
        return reads(given) || (isUpperBound && (isTimed(given) || isDuration));
      });
    });
    expectNone(wrong);
  });

  it('no test has a limit below that of a hanging one', () => {
    const isLimit = (node: ts.Node): boolean =>
      ts.isNumericLiteral(node) && Number(node.text) >= 1 && Number(node.text) < hangMs;
    const isRun = (node: ts.Node): node is ts.CallExpression =>
      ts.isCallExpression(node) && /^(it|test|describe|(before|after)(All|Each))\b/.test(node.expression.getText());
    const isEnded = (node: ts.Node): boolean => isRun(node) && node.arguments.slice(1).some(isLimit);
    const isOption = (node: ts.Node): boolean =>
      (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node)) &&
      node.name.getText() === 'timeout' &&
      node.initializer !== undefined &&
      isLimit(node.initializer);
    expectNone(found(tests, (node) => isEnded(node) || isOption(node)));
  });

  it('no test measures time', () => {
    const isStopwatch = (node: ts.Node): boolean =>
      ts.isPropertyAccessExpression(node) && /^(performance\.|process\.hrtime)/.test(node.getText());
    // The times that chaos plans take are printed by their bench and decide nothing.
    const decisive = tests.filter((path) => !path.startsWith('test/chaos/'));
    expectNone(found(decisive, isStopwatch));
  });
});

describe('one idea per file, found by its name', () => {
  it(`no source is longer than ${lineCountMax} lines`, () => {
    const long = code
      .map((path) => [path, textOf(path).trimEnd().split('\n').length] as const)
      .filter(([, lineCount]) => lineCount > lineCountMax);
    expectNone(long.map(([path, lineCount]) => `${path}:${lineCountMax + 1}: ${lineCount} lines`));
  });

  it('file names are kebab-case', () => {
    // Names chosen by others: Hugging Face, Python, Docker, and documents that are conventionally capitalized.
    const foreign = [/^[A-Z]+(\.md)?$/, /^Dockerfile(\.dockerignore)?$/, /\.py$/, /^[a-z_]+\.(json|jinja)$/];
    const kebab = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
    const wrong = files.filter((path) => {
      const names = path.split('/');
      const isForeign = foreign.some((pattern) => pattern.test(names.at(-1) ?? ''));
      return !names.every((name, index) => kebab.test(name) || (index === names.length - 1 && isForeign));
    });
    expectNone(wrong.map((path) => `${path}:1`));
  });

  it('there are no catch-all files or folders, and no barrel files', () => {
    const wrong = files.filter(
      (path) =>
        /(^|\/)(utils?|helpers?|misc|shared|lib)(\/|\.ts$)/.test(path) ||
        (/(^|\/)index\.ts$/.test(path) && !/^(workflows|activities)\/index\.ts$/.test(path)),
    );
    expectNone(wrong.map((path) => `${path}:1`));
  });
});

describe('text about the project only', () => {
  const self = 'test/house/style.test.ts';

  it('no comment holds an open task', () => {
    const marks = /\b(TODO|FIXME|XXX|HACK)\b/;
    expectNone(prose.filter((path) => path !== self).flatMap((path) => linesMatching(path, marks)));
  });

  it('no text contains a path of one machine', () => {
    const machine = /(?<![\w.])\/(home|Users|[w]ork)\/[\w.]/;
    expectNone(prose.flatMap((path) => linesMatching(path, machine)));
  });

  it('no text mentions how it was written', () => {
    const words = /\b(work[p]lace|sub-?a[g]ents?|(the|this|an) a[g]ent|the b[r]ief|this s[e]ssion|co-?p[i]lot)\b/i;
    expectNone(prose.flatMap((path) => linesMatching(path, words)));
  });

  it('links lead to public places', () => {
    const inside = /^([a-z0-9-]+|[\d.]+|([\w-]+\.)*example(\.\w+)?)$/;
    const wrong = prose.flatMap((path) =>
      textOf(path)
        .split('\n')
        .flatMap((line, index) =>
          [...line.matchAll(/https?:\/\/([a-z0-9][a-z0-9.-]*)/gi)]
            .filter(([, host = '']) => !inside.test(host.toLowerCase()) && !publicHosts.has(host.toLowerCase()))
            .map(([url]) => `${path}:${index + 1}: ${url}`),
        ),
    );
    expectNone(wrong);
    expectNone(linesMatching('package-lock.json', /"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/));
  });
});
