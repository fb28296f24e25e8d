/** Notifies the recipe's webhooks and commands. A failed notification is recorded and has no other effect. */
import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { NotifyInput, NotifyResult } from '../../contract/retraining.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { outward } from './promotion-activities.ts';

export class Announcements {
  readonly #recipe: ArtifactRef;
  readonly #about: { readonly name: string; readonly experimentId: string };
  #told: NotifyResult = { deliveredCount: 0, failures: [] };

  constructor(recipe: ArtifactRef, about: { readonly name: string; readonly experimentId: string }) {
    this.#recipe = recipe;
    this.#about = about;
  }

  /** The notifications so far: the number delivered, and the reasons of those that failed. */
  get told(): NotifyResult {
    return this.#told;
  }

  async tell(kind: NotifyInput['event']['kind'], text: string): Promise<void> {
    const { deliveredCount, failures } = await this.#notify({ kind, text, ...this.#about });
    this.#told = {
      deliveredCount: this.#told.deliveredCount + deliveredCount,
      failures: [...this.#told.failures, ...failures.map((failure) => `${kind}: ${failure}`)],
    };
  }

  async #notify(event: NotifyInput['event']): Promise<NotifyResult> {
    try {
      return await outward.notify.executeWithOptions({ summary: event.kind }, [{ recipe: this.#recipe, event }]);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const cause = error instanceof ActivityFailure ? error.cause : error;
      return { deliveredCount: 0, failures: [cause instanceof Error ? cause.message : String(cause)] };
    }
  }
}
