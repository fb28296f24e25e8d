/** The recipe over published data that shipped adapters read: it includes them, and adds policy and arms. */
import { type Machine, sizedArms } from './arm-sizes.ts';
import type { KnownLayout } from './known-layouts.ts';
import { policyComments, type RecipePlan, sharedFields } from './recipe-plan.ts';
import type { Seen } from '../guesses/task-guess.ts';

/** Adapters that read all tables from one folder; undefined if there are none. */
export function coveringLayouts(layouts: readonly KnownLayout[], tables: readonly Seen[]): KnownLayout[] | undefined {
  const chosen: KnownLayout[] = [];
  for (const layout of layouts) {
    const isFree = layout.tables.every((table) => !chosen.some(({ tables: covered }) => covered.includes(table)));
    const isSame = chosen.length === 0 || chosen[0]?.dataFolder === layout.dataFolder;
    if (layout.dataFolder !== undefined && isFree && isSame) chosen.push(layout);
  }
  const isCovered = ({ facts }: Seen): boolean => chosen.some(({ tables: covered }) => covered.includes(facts));
  return tables.every(isCovered) ? chosen : undefined;
}

export interface IncludedSettings {
  readonly name: string;
  readonly machine: Machine;
  readonly include: readonly string[];
  readonly dataFolder: string;
  /** Tasks of the adapters that are trained; none for benchmarks. */
  readonly trained: boolean;
  readonly quarantineRateMax?: number | undefined;
}

/** A recipe before `include` is resolved. */
export function planIncluded(
  tables: readonly Seen[],
  { name, machine, include, dataFolder, trained, quarantineRateMax }: IncludedSettings,
): { readonly recipe: Readonly<Record<string, unknown>>; readonly comments: RecipePlan['comments'] } {
  const exampleCount = tables.reduce((sum, { facts }) => sum + facts.rowCount, 0);
  const hasPictures = tables.some(({ pictures }) => pictures.shown.length > 0);
  const sized = sizedArms({ exampleCount, hasPictures, labelLength: 12, hasClasses: false }, machine);
  const { head, tail } = sharedFields(name, sized, { hasPictures, isTrained: trained, quarantineRateMax });
  const comments = [
    { at: ['include'], text: 'The columns are those of these adapters, which hold tasks, prompts and fields.' },
    { at: ['dataFolder'], text: 'Their paths start here.' },
    ...policyComments({ isTrained: trained, hasPictures, hasEngine: 'engine' in head, rate: quarantineRateMax }),
  ];
  return { recipe: { ...head, include, dataFolder, ...tail }, comments };
}
