/**
 * `fuzz-process TARGET FIRST-SEED COUNT JOURNAL guided|blind`: gives one reader its inputs. The journal gets a line before
 * and after each of them, written at once, so that whoever started the process knows which input ended or stopped it.
 */
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalLine } from './fuzz-run.ts';
import { BlockCoverage } from '../test/fuzz/block-coverage.ts';
import type { Outcome } from '../test/fuzz/fuzz-target.ts';
import { GuidedInputs } from '../test/fuzz/guided.ts';
import { type FuzzTargetName, fuzzTargets } from '../test/fuzz/target-table.ts';

const [name = '', firstSeed = '', count = '', journal = '', how = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'mtrl-fuzz-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
/** Without a guide, coverage is only counted. */
const blindLookCount = 50;
const file = openSync(journal, 'a');
const note = (line: JournalLine): void => {
  writeSync(file, `${JSON.stringify(line)}\n`);
};
const coverage = new BlockCoverage();
const target = await fuzzTargets[name as FuzzTargetName](folder);
const guided = new GuidedInputs(target, coverage);
const blind = async (seed: number): Promise<Outcome> => {
  const { outcome } = await target.run(seed);
  if ((seed + 1) % blindLookCount === 0) coverage.look();
  return outcome;
};
for (let seed = Number(firstSeed); seed < Number(firstSeed) + Number(count); seed++) {
  note({ seed });
  const startedAtMs = performance.now();
  const outcome = await (how === 'guided' ? guided.run(seed) : blind(seed));
  const ms = performance.now() - startedAtMs;
  note({
    seed,
    outcome,
    ms,
    peakByteLength: process.resourceUsage().maxRSS * 1024,
    characterCount: coverage.characterCount,
  });
}
await target.close();
process.exit();
