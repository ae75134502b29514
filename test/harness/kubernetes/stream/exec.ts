import { spawn } from "node:child_process";
import type { Channels } from "./channels.ts";
import type { PodSession } from "./pod-session.ts";

/** Runs the command as a process of this machine. It goes on when its client goes, as in a container; only its input and output end. */
export function runExec(session: PodSession, channels: Channels): void {
  const { argv, tty, takesInput, socket } = session;
  const [program = "", ...args] = tty ? terminalOf(argv) : argv;
  const child = spawn(program, args, {
    stdio: [takesInput ? "pipe" : "ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH },
  });
  child.on("error", () => {
    const message = `Internal error occurred: error executing command in container: exec: "${program}": executable file not found in $PATH`;
    void channels.end({ status: "Failure", message, reason: "InternalError", code: 500 });
  });
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", async (data: Buffer) => {
      child[stream]?.pause();
      for (let at = 0; at < data.length; at += 32 * 1024) await channels.send(stream, data.subarray(at, at + 32 * 1024));
      child[stream]?.resume();
    });
  }
  const { stdin } = child;
  stdin?.on("error", () => {});
  channels.onInput = (data) => void stdin?.write(data);
  channels.onInputEnd = () => void stdin?.end();
  socket.on("close", () => {
    stdin?.end();
    // Whoever writes on and on hears of it.
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  });
  child.on("close", (code, signal) => {
    if (child.pid !== undefined) void channels.exited(code ?? (signal === "SIGKILL" ? 137 : 143));
  });
}

/** `script` gives it a terminal (util-linux). */
function terminalOf(argv: readonly string[]): readonly string[] {
  const line = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  return ["script", "--quiet", "--return", "--command", line, "/dev/null"];
}
