/**
 * What a run does about bad numbers. Everything is decided by what activities recorded: the failures of steps, and the
 * bad numbers in their results. A step skips its own update (pipeline/training/apply-update.ts); here a run counts
 * skipped steps, stops, or goes back to its last good snapshot.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type { BadCode, BadSteps, GuardPlan, Incident, Incidents } from '../../contract/guards.ts';
import type { GoodSnapshot, GuardState } from '../../contract/workflows.ts';
import { rootFailure } from '../failure.ts';

/** Two, so that a run can go one further back when it gets no further from the newest. */
const snapshotCountMax = 2;
const newestCountMax = 20;
const foundLengthMax = 300;

const none: GuardState = {
  incidents: { recordedCount: 0, skippedCount: 0, rewinds: [], newest: [] },
  collapsedStepCount: 0,
  snapshots: [],
  isFreshlyRewound: false,
};

export class RunGuards {
  readonly #plan: GuardPlan | undefined;
  #state: GuardState;

  constructor(plan: GuardPlan | undefined, carried: GuardState = none) {
    this.#plan = plan;
    this.#state = carried;
  }

  /** For continue-as-new; nothing for an arm without guards. */
  get carried(): { readonly guards?: GuardState } {
    return this.#plan === undefined ? {} : { guards: this.#state };
  }

  get rewindCount(): number {
    return this.#state.incidents.rewinds.length;
  }

  /** Nothing while there are none. */
  get incidents(): { readonly incidents?: Incidents } {
    return this.#state.incidents.newest.length === 0 ? {} : { incidents: this.#state.incidents };
  }

  /** Notes a snapshot as one to go back to, unless the steps before it are collapsed. */
  reached(snapshot: GoodSnapshot): void {
    const { snapshots, collapsedStepCount } = this.#state;
    if (this.#plan === undefined || collapsedStepCount > 0 || snapshots.at(-1)?.step === snapshot.step) return;
    this.#change({ snapshots: [...snapshots, snapshot].slice(-snapshotCountMax), isFreshlyRewound: false });
  }

  /**
   * Takes the result of an update. Returns where to go back to if the policy has collapsed and the arm says so. Throws
   * a failure with the code of the bad numbers if the run must stop.
   */
  stepped(bad: BadSteps | undefined): GoodSnapshot | undefined {
    if (this.#plan === undefined) return undefined;
    const isCollapsed = bad?.code === 'POLICY_COLLAPSED';
    this.#change({ collapsedStepCount: isCollapsed ? this.#state.collapsedStepCount + 1 : 0 });
    if (bad === undefined) return undefined;
    const { code, step, found, skipped, skippedCount } = bad;
    this.#note({ code, step, found, outcome: skipped ? 'skipped' : 'recorded' }, skippedCount);
    const { skipCountMax, collapsedStepCountMax } = this.#plan;
    const { incidents, collapsedStepCount } = this.#state;
    if (incidents.skippedCount > skipCountMax) {
      const skips = `${String(incidents.skippedCount)} steps skipped, allowed ${String(skipCountMax)} (guards.skipCountMax)`;
      throw stopped(code, step, `${found}; ${skips}`);
    }
    if (collapsedStepCountMax === undefined || collapsedStepCount < collapsedStepCountMax) return undefined;
    const failure = stopped(code, step, `${found}; ${String(collapsedStepCount)} such steps in a row`);
    return this.#rewound(code, step, found, failure);
  }

  /** Where to go back to after a step that failed because of bad numbers. Throws the error again if the run must stop. */
  failed(error: unknown, step: number): GoodSnapshot {
    const failure = rootFailure(error);
    const code = this.#plan?.rewindsFor.find((each) => each === failure?.type);
    if (code === undefined) throw error;
    return this.#rewound(code, step, foundIn(failure), error);
  }

  /** Throws `failure` if the run may not go back for this, or not any more. */
  #rewound(code: BadCode, step: number, found: string, failure: unknown): GoodSnapshot {
    const { snapshots, isFreshlyRewound, incidents } = this.#state;
    const { rewindsFor = [], rewindCountMax = 0 } = this.#plan ?? {};
    if (!rewindsFor.includes(code) || incidents.rewinds.length >= rewindCountMax) throw failure;
    const known = isFreshlyRewound && snapshots.length > 1 ? snapshots.slice(0, -1) : snapshots;
    const target = known.at(-1);
    // A fork may begin between two snapshots.
    if (target === undefined) throw failure;
    this.#note({ code, step, found, outcome: 'rewound', toStep: target.step });
    this.#change({ snapshots: known, collapsedStepCount: 0, isFreshlyRewound: true });
    return target;
  }

  #note(incident: Incident, skippedCount = 0): void {
    const { recordedCount, skippedCount: before, rewinds, newest } = this.#state.incidents;
    const incidents = {
      recordedCount: recordedCount + Number(incident.outcome === 'recorded'),
      skippedCount: before + skippedCount,
      rewinds: incident.outcome === 'rewound' ? [...rewinds, incident] : rewinds,
      newest: [...newest, incident].slice(-newestCountMax),
    };
    this.#change({ incidents });
  }

  #change(change: Partial<GuardState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

function stopped(code: BadCode, step: number, found: string): ApplicationFailure {
  const lines = [
    'the numbers of the step are bad, and the guards of its arm end the run',
    `  at    step ${String(step)}`,
    `  found ${found}`,
    '  do    inspect the rollouts of earlier steps; lower optimizer.learningRate, or change the guards of the arm',
  ];
  return ApplicationFailure.nonRetryable(lines.join('\n'), code);
}

/** The failure in one line. */
function foundIn(failure: ApplicationFailure | undefined): string {
  const [line = ''] = (failure?.message ?? '').split('\n');
  const [said] = (failure?.details ?? []) as { readonly found?: string | null }[];
  const text = typeof said?.found === 'string' ? `${line}: ${said.found}` : line;
  return text.slice(0, foundLengthMax);
}
