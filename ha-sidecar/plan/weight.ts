// What a tracked thing that is up or down does to a priority, as keepalived has it. `reverse` turns the sign: a positive weight is then taken away
// while the thing is up, a negative one added while it is down.
//
//   weight    up          down         reverse: up     down
//   20        +20         0            -20             0
//   -20       0           -20          0               +20
//   0         0           fault        fault           0

interface Weighted {
  readonly weight: number;
  readonly reverse: boolean;
}

/** The points to add, or null for a fault. */
export function weigh({ weight, reverse }: Weighted, up: boolean): number | null {
  if (weight === 0) return up !== reverse ? 0 : null;
  return up === weight > 0 ? (reverse ? -weight : weight) : 0;
}
