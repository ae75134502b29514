import * as rpc from "@countersign/rpc";
import type { Review, Reviews } from "../../reviews.ts";
import { method } from "./method.ts";

/** The reviews that emergencies require. */
export function reviewMethods(reviews: Reviews) {
  return {
    listReviews: method(rpc.ListReviewsRequest, rpc.ListReviewsResponse, async (_, { openOnly }) => ({
      reviews: (await reviews.list(openOnly)).map(reviewMessage),
    })),
    closeReview: method(rpc.CloseReviewRequest, rpc.CloseReviewResponse, async ({ approver }, { requestId, finding }) => ({
      review: reviewMessage(await reviews.close(requestId, approver, finding)),
    })),
  };
}

function reviewMessage(review: Review): rpc.EmergencyReview {
  const { requestId, by, reason, timeMs, dueMs, headline, resource, closed } = review;
  return {
    ...{ requestId, reason, timeMs, dueMs, headline, resource },
    by: by.map(({ subject }) => subject).join(", "),
    closedBy: closed?.by ?? "",
    finding: closed?.finding ?? "",
  };
}
