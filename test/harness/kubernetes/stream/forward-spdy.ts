import type { PodSession } from "./pod-session.ts";

/** Port-forward as kubectl speaks it: SPDY/3.1 frames inside the WebSocket. */
export function forwardBySpdy({ socket }: PodSession): void {
  socket.close(1011);
}
