/**
 * `npm run test:conformance`: writes what the suite gave into the table of docs/backends.md. The server of SkyRL is not
 * started: its column is the log that docs/tinker.md keeps of `npm run test:tinker`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { projectRoot } from '../../core/project.ts';
import { conformanceColumns, conformanceTable, loggedResults, withTable } from './conformance-table.ts';

const fileOf = (name: string): string => join(projectRoot, 'docs', name);

export default class ConformanceReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const results = new Map<string, Map<string, string>>();
    for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
      const [engine = '', group, check] = test.fullName.split(' > ').slice(-3);
      const { state } = test.result();
      if (group === undefined || check === undefined || state === 'skipped') continue;
      const own = results.get(engine) ?? new Map<string, string>();
      results.set(engine, own.set(`${group}: ${check}`, state));
    }
    const logged = loggedResults(readFileSync(fileOf('tinker.md'), 'utf8'));
    const columns = conformanceColumns.map(({ title, engine }) => ({
      title,
      results: engine === undefined ? logged : (results.get(`${engine}: an engine`) ?? new Map<string, string>()),
    }));
    const page = fileOf('backends.md');
    writeFileSync(page, withTable(readFileSync(page, 'utf8'), conformanceTable(columns)));
  }
}
