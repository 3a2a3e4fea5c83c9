/** The runs of one request, before they are stored. */

import { buildSpec, type ResolvedRequest, sameSpec } from './build-spec.ts';
import { keyConflict, nameTaken } from './conflicts.ts';
import type { PreparedRun } from './prepare-run.ts';

/** The runs of one batch that are not stored yet. They must not collide with each other either. */
export class Batch {
  readonly prepared: PreparedRun[] = [];
  readonly #keys = new Map<string, number>();
  readonly #names = new Set<string>();

  place(order: ResolvedRequest, prepare: () => PreparedRun): { index: number; existing: boolean } {
    const { request } = order;
    const twin = request.key === null ? undefined : this.#keys.get(request.key);
    const first = twin === undefined ? undefined : this.prepared[twin];
    if (twin !== undefined && first !== undefined) {
      if (sameSpec(first.run.spec, buildSpec(order, first.run.spec.after))) return { index: twin, existing: true };
      throw keyConflict(request.key ?? '', 'another line of this batch');
    }
    if (request.name !== null && this.#names.has(request.name))
      throw nameTaken(request.name, 'another line of this batch');
    const index = this.prepared.push(prepare()) - 1;
    if (request.key !== null) this.#keys.set(request.key, index);
    if (request.name !== null) this.#names.add(request.name);
    return { index, existing: false };
  }
}
