// One of several processes that race for the same approved requests: it claims each, and whatever it is given it runs at the target.
import pg from "pg";
import { Random } from "../../harness/random.ts";
import type { Answer, Ask, Claimable, Result, Task } from "./wire.ts";

const together = 32;

const waiting = new Map<number, (answer: Answer) => void>();
let asked = 0;

process.on("message", (message: { task?: Task; answer?: Answer }) => {
  if (message.answer !== undefined) waiting.get(message.answer.number)?.(message.answer);
  if (message.task !== undefined) void race(message.task).then((result) => process.send?.({ result }));
});

async function race({ requests, seed, connection }: Task): Promise<Result> {
  const pool = new pg.Pool({ ...connection, max: 4 });
  const order = new Random(seed).shuffled(requests);
  const refused: Record<string, number> = {};
  let claimed = 0;
  const one = async (request: Claimable) => {
    const { refused: code } = await ask({ claim: request });
    if (code !== undefined) {
      refused[code] = (refused[code] ?? 0) + 1;
      return;
    }
    claimed++;
    await pool.query("insert into executions (request, by) values ($1, $2)", [request.id, process.pid]);
    await ask({ settle: request.id });
  };
  const worker = async () => {
    for (let next = order.pop(); next !== undefined; next = order.pop()) await one(next);
  };
  await Promise.all(Array.from({ length: together }, worker));
  await pool.end();
  return { claimed, refused };
}

function ask(
  what: Omit<Extract<Ask, { claim: Claimable }>, "number"> | Omit<Extract<Ask, { settle: string }>, "number">,
): Promise<Answer> {
  const number = ++asked;
  return new Promise((resolve) => {
    waiting.set(number, (answer) => {
      waiting.delete(number);
      resolve(answer);
    });
    process.send?.({ number, ...what });
  });
}
