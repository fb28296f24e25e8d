/**
 * `fuzz-process TARGET FIRST-SEED COUNT JOURNAL`: gives one reader its inputs. The journal gets a line before and after
 * each of them, written at once, so that whoever started the process knows which input ended or stopped it.
 */
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalLine } from './fuzz-run.ts';
import { type FuzzTargetName, fuzzTargets } from '../test/fuzz/target-table.ts';

const [name = '', firstSeed = '', count = '', journal = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'mtrl-fuzz-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const file = openSync(journal, 'a');
const note = (line: JournalLine): void => {
  writeSync(file, `${JSON.stringify(line)}\n`);
};
const target = await fuzzTargets[name as FuzzTargetName](folder);
for (let seed = Number(firstSeed); seed < Number(firstSeed) + Number(count); seed++) {
  note({ seed });
  const startedAtMs = performance.now();
  const outcome = await target.run(seed);
  const ms = performance.now() - startedAtMs;
  note({ seed, outcome, ms, peakByteLength: process.resourceUsage().maxRSS * 1024 });
}
await target.close();
process.exit();
