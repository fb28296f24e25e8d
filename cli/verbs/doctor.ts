import type { Command } from 'commander';
import { doctor, formatReport } from '../../infra/doctor.ts';
import { printJson } from '../output.ts';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say what is there, what is not, and what to do')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ json = false }: { json?: boolean }) => {
      const report = await doctor();
      if (json) printJson(report);
      else process.stdout.write(formatReport(report));
      if (!report.ok) process.exitCode = 1;
    });
}
