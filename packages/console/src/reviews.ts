import { useCallback } from "react";
import type { EmergencyReview } from "./api/model.ts";
import { type Loaded, useLoaded } from "./loading.ts";
import { useFeed, useServices } from "./services.ts";

/** The reviews of emergencies; read again whenever the inbox tells that one began or was closed. */
export function useReviews(): Loaded<readonly EmergencyReview[]> {
  const { api } = useServices();
  const { requests } = useFeed();
  const told = [...requests.values()].flatMap(({ id, reviewDueMs }) => (reviewDueMs === undefined ? [] : [id])).join(" ");
  return useLoaded(useCallback((signal: AbortSignal) => api.reviews(signal), [api, told]));
}
