/** The number of steps of a run: the recipe's, unless an operator changes it during training. */
import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { Budget, StopRequest } from '../../contract/messages.ts';
import { changeBudgetUpdate, stopAfterStepUpdate } from './run-messages.ts';

/** Limited because a mixture is planned for all steps at once. */
const stepCountMax = 1_000_000;

export class RunBudget {
  #budget: Budget;
  /** Steps below this one are done or in progress. */
  #takenUpToStep: number;
  #updateCount = 0;

  constructor(budget: Budget, takenUpToStep: number) {
    this.#budget = budget;
    this.#takenUpToStep = takenUpToStep;
    setHandler(changeBudgetUpdate, ({ stepCount }) => this.#change({ stepCount }), {
      validator: (change) => {
        refuse(this.#problemOfChange(change));
      },
    });
    setHandler(stopAfterStepUpdate, (request) => this.#stop(request), {
      validator: (request) => {
        refuse(this.#problemOfStop(request));
      },
    });
  }

  /** The budget that continue-as-new carries over. */
  get carried(): Budget {
    return this.#budget;
  }

  get stepCount(): number {
    return this.#budget.stepCount;
  }

  /** The run ends before this step. */
  get endStep(): number {
    const { stepCount, stopBeforeStep = stepCount } = this.#budget;
    return Math.min(stepCount, stopBeforeStep);
  }

  /** Changes accepted in the current execution. */
  get updateCount(): number {
    return this.#updateCount;
  }

  /** Ends the run before this step, which is the next one. An operator may still extend it. */
  end(step: number): void {
    this.#budget = { ...this.#budget, stopBeforeStep: step };
  }

  /** Marks the steps before `toStep` as taken: no later change may end the run before it. */
  taking(toStep: number): void {
    this.#takenUpToStep = toStep;
  }

  /** `request` is undefined if `temporal` was called without --input. */
  #stop(request: StopRequest | undefined): Budget {
    const step = request?.step;
    const stopBeforeStep = step === undefined ? this.#takenUpToStep : step + 1;
    return this.#change({ stepCount: this.#budget.stepCount, stopBeforeStep });
  }

  #change(budget: Budget): Budget {
    this.#updateCount++;
    this.#budget = budget;
    return budget;
  }

  #problemOfChange(change: unknown): string | undefined {
    const form = 'send {"stepCount": N}';
    const { stepCount, ...others } = membersOf(change);
    if (Object.keys(others).length > 0) return `${Object.keys(others).join(', ')} cannot be changed: ${form}`;
    if (!isCount(stepCount) || stepCount < 1)
      return `stepCount must be an integer from 1 to ${String(stepCountMax)}: ${form}`;
    return this.#tooLate(stepCount);
  }

  #problemOfStop(request: unknown): string | undefined {
    const form = 'send {"step": N}, or {} for the current step';
    if (request === undefined || request === null) return undefined;
    const { step, ...others } = membersOf(request);
    if (typeof request !== 'object' || Object.keys(others).length > 0) return `the input has no step: ${form}`;
    if (step === undefined) return undefined;
    if (!isCount(step)) return `step must be an integer, 0 or greater: ${form}`;
    if (step >= this.stepCount)
      return `the run has no step ${String(step)}: it ends with step ${String(this.stepCount - 1)}`;
    return this.#tooLate(step + 1);
  }

  #tooLate(stepCount: number): string | undefined {
    const taken = this.#takenUpToStep;
    if (stepCount >= taken) return undefined;
    return `too late: ${String(taken)} steps are done or in progress`;
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= stepCountMax;
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw ApplicationFailure.nonRetryable(problem, 'BUDGET_REFUSED');
}
