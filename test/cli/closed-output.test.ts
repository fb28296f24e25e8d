/** Verbs whose output cannot be written: a real process with a real pipe, and with the full device. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { compiled } from '../support/compiled.ts';

const mtrl = `"${process.execPath}" "${compiled('cli/main.ts')}"`;

/** The script must return the verb's own exit code. */
function shell(script: string) {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    cwd: projectRoot,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return { status, stdout, stderr };
}

describe('output that cannot be written', () => {
  test.each([`${mtrl} --help`, `${mtrl} schedule list --help`, `${mtrl} recipe recipes/demo.yaml`])(
    'exits quietly, without a stack trace, when the pipe of `%s` closes',
    (command) => {
      const { status, stderr } = shell(`${command} | (exec true); exit "\${PIPESTATUS[0]}"`);
      expect(stderr).toBe('');
      expect([0, 141]).toContain(status);
    },
  );

  test.skipIf(!existsSync('/dev/full'))(
    'reports a full device as one coded error with exit code 1, without a stack trace',
    () => {
      const { status, stderr } = shell(`${mtrl} --help > /dev/full`);
      expect(stderr.split('\n')[0]).toBe('OUTPUT_FAILED: the output cannot be written');
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(status).toBe(1);
    },
  );

  test('still fails if stderr is a full device', () => {
    expect(shell(`${mtrl} no-such-verb 2> /dev/full`).status).not.toBe(0);
  });
});
