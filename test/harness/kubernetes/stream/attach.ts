import type { Channels } from "./channels.ts";
import type { PodSession } from "./pod-session.ts";

/** The main process of every container: it greets, says everything back, and ends at `quit`. */
export function runAttach(_session: PodSession, channels: Channels): void {
  void channels.send("stdout", Buffer.from("attached\n"));
  channels.onInput = (data) => {
    void channels.send("stdout", data);
    if (data.toString().trim() === "quit") void channels.exited(0);
  };
  channels.onInputEnd = () => void channels.exited(0);
}
