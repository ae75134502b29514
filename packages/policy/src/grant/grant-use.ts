/** One use of a grant: the right to run one action once. */
export interface GrantUse {
  readonly grantId: string;
  /** Which of its uses, from 1. */
  readonly use: number;
}
