/** A fake registry of one name, and a gate with a preset result, for the workflows of promotion. */
import type {
  FindCandidateResult,
  NotifyInput,
  PromotedVersion,
  RetrainingActivities,
} from '../../contract/retraining.ts';
import { planOf, refTo } from './made-up-activities.ts';

export class MadeUpRegistry {
  readonly versions: PromotedVersion[] = [];
  readonly told: NotifyInput['event'][] = [];
  promotedVersion = 0;
  dataDigest = 'first data';
  gatePasses = true;
  approval = { required: false, timeoutMs: 60_000 };

  readonly #note: (call: string) => Promise<void>;

  constructor(note: (call: string) => Promise<void>) {
    this.#note = note;
  }

  get promoted(): PromotedVersion | undefined {
    return this.versions.find(({ version }) => version === this.promotedVersion);
  }

  get activities(): RetrainingActivities {
    return {
      findPromoted: async () => {
        await this.#note('findPromoted');
        return { ...(this.promoted && { promoted: this.promoted }), revision: this.versions.length };
      },
      inspectData: async ({ promoted }) => {
        await this.#note('inspectData');
        const changed = promoted?.dataDigest !== this.dataDigest;
        const state = changed ? 'new' : 'same';
        return { dataDigest: this.dataDigest, changed, sources: [{ path: 'rows', state, sha256: this.dataDigest }] };
      },
      findCandidate: async ({ experimentId }) => {
        await this.#note('findCandidate');
        return this.#candidateOf(experimentId);
      },
      gate: async ({ promoted }) => {
        await this.#note(`gate against ${promoted ? String(promoted.version) : 'nothing'}`);
        const check = { rule: 'macroF1 of known at least 0.5', task: 'known', value: 0.4, limit: 0.5 };
        return { passed: this.gatePasses, checks: [{ ...check, passed: this.gatePasses }], gate: refTo('gate') };
      },
      promote: async ({ name, candidate }) => {
        const version = this.versions.length + 1;
        await this.#note(`promote ${String(version)}`);
        const promoted = { ...candidate, name, version, promotedAt: 'now' };
        this.versions.push(promoted);
        this.promotedVersion = version;
        return { promoted, revision: version };
      },
      rollBack: async ({ to = this.promotedVersion - 1 }) => {
        await this.#note(`rollBack to ${String(to)}`);
        const from = this.promoted;
        if (!from) throw new Error('nothing is promoted');
        this.promotedVersion = to;
        const promoted = this.versions[to - 1];
        return { from, ...(promoted && { promoted }), revision: this.versions.length + 1 };
      },
      notify: async ({ event }) => {
        await this.#note(`notify ${event.kind}`);
        this.told.push(event);
        return { deliveredCount: 1, failures: [] };
      },
    };
  }

  #candidateOf(experimentId: string): FindCandidateResult {
    const policy = { snapshot: refTo(`snapshot of ${experimentId}`), log: [] };
    const run = {
      ...{ plan: planOf({ arm: 'rl', objective: 'grpo' }), checkpoint: refTo(`checkpoint of ${experimentId}`), policy },
      ...{ wallMs: 1, computeMs: 1, stages: [], evaluations: [] },
    };
    const data = { recipe: refTo('recipe'), dataset: refTo('dataset'), dataDigest: this.dataDigest };
    return { name: 'nightly', experimentId, run, ...data, approval: this.approval };
  }
}
