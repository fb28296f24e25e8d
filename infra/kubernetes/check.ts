/**
 * Renders the parts of infra/kubernetes with kustomize and checks them against the schemas of Kubernetes and KEDA:
 * `npm run check:kubernetes`. kustomize and KEDA's schema come from Go's module proxy, the others from the Python
 * Package Index; they are kept in the user's cache folder.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeError, exitCodeOf, MtrlError } from '../../core/errors.ts';
import { projectRoot } from '../../core/project.ts';
import { findOrMakeBinary } from '../binaries/binaries.ts';
import { cacheRoot } from '../binaries/cache.ts';

const run = promisify(execFile);
const folder = join(projectRoot, 'infra', 'kubernetes');
const rendered = ['base', 'example'];
const validatorVersion = '1.37.0';
const kedaModule = 'github.com/kedacore/keda/v2@v2.21.0';

async function check(): Promise<void> {
  const log = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const kustomize = await findOrMakeBinary('kustomize', log);
  const python = await pythonWithSchemas();
  const crd = await kedaSchema();
  for (const part of rendered) {
    const { stdout: manifests } = await run(kustomize.path, ['build', join(folder, part)]);
    log(`${part}:`);
    await validate(python, crd, manifests);
  }
}

async function pythonWithSchemas(): Promise<string> {
  const environment = join(cacheRoot(), `kubernetes-validate-${validatorVersion}`);
  const python = join(environment, 'bin', 'python');
  if (existsSync(join(environment, 'complete'))) return python;
  await run('python3', ['-m', 'venv', '--clear', environment]);
  await run(python, ['-m', 'pip', 'install', '--quiet', `kubernetes-validate==${validatorVersion}`]);
  writeFileSync(join(environment, 'complete'), '');
  return python;
}

/** Its custom resource definition, as in the module. */
async function kedaSchema(): Promise<string> {
  const { stdout } = await run('go', ['mod', 'download', '-json', kedaModule], { cwd: tmpdir() });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  return join(Dir, 'config', 'crd', 'bases', 'keda.sh_scaledobjects.yaml');
}

async function validate(python: string, crd: string, manifests: string): Promise<void> {
  const checker = spawn(python, [join(folder, 'check.py'), crd], { stdio: ['pipe', 'inherit', 'inherit'] });
  checker.stdin.end(manifests);
  const code = await new Promise<number | null>((done, failed) => checker.once('error', failed).once('close', done));
  if (code === 0) return;
  throw new MtrlError('SETUP_FAILED', 'the manifests are not valid', {
    where: folder,
    hint: 'correct the field that is named above',
  });
}

check().catch((error: unknown) => {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = exitCodeOf(error);
});
