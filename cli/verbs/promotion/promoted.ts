import type { Command } from 'commander';
import type { PromotedVersion } from '../../../contract/retraining.ts';
import { listNames, type NameDocument, type NameEvent, readName } from '../../../artifacts/registry.ts';
import { print, printJson } from '../../show/output.ts';
import { contentOf, requireName, shownVersion } from '../../temporal/promotions.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';

export function addPromoted(command: Command): void {
  command
    .argument('[name]')
    .option('--json', 'one JSON document on stdout')
    .action(async (name: string | undefined, { json = false }: { readonly json?: boolean }) => {
      await withStack({ startMissing: false }, async (stack) => {
        if (name === undefined) await showNames(stack, json);
        else await showName(stack, name, json);
      });
    });
}

async function showNames({ store }: Stack, json: boolean): Promise<void> {
  const documents = await Promise.all((await listNames(store)).map((name) => readName(store, name)));
  const rows = await Promise.all(
    documents.map(async (document) => {
      const { name, revision, current } = document;
      const promoted = current === null ? null : shownVersion(await contentOf(store, document, current));
      return { name, revision, versionCount: document.versions.length, promoted };
    }),
  );
  if (json) printJson({ names: rows });
  else if (rows.length === 0) print('no judge has been promoted yet');
  for (const { name, promoted } of json ? [] : rows)
    print(promoted ? `${name}@${String(promoted.version)}  ${facts(promoted)}` : `${name}  (nothing promoted)`);
}

async function showName({ store }: Stack, name: string, json: boolean): Promise<void> {
  const document = await requireName(store, name);
  const contents = await Promise.all(document.versions.map((_, i) => contentOf(store, document, i + 1)));
  const { revision, current, events } = document;
  if (json) printJson({ name, revision, current, versions: contents.map(shownVersion), events });
  else print([...contents.map((each) => versionLine(document, each)), '', ...events.map(eventLine)].join('\n'));
}

function versionLine({ current }: NameDocument, content: PromotedVersion): string {
  const mark = content.version === current ? '*' : ' ';
  return `${mark} ${content.name}@${String(content.version)}  ${facts(shownVersion(content))}`;
}

function facts({ policy, experimentId, runName, promotedAt, approvedBy }: ReturnType<typeof shownVersion>): string {
  const approved = approvedBy === null ? '' : `, approved by ${approvedBy}`;
  return `${policy.sha256.slice(0, 12)}  ${runName} of ${experimentId}, ${promotedAt}${approved}`;
}

function eventLine({ at, kind, version, previous, by, reason }: NameEvent): string {
  const text = (number: number | null): string => (number === null ? 'nothing' : `version ${String(number)}`);
  const who = by === undefined ? '' : ` by ${by}`;
  return `${at}  ${kind} from ${text(previous)} to ${text(version)}${who}${reason === undefined ? '' : `: ${reason}`}`;
}
