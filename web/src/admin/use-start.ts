import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import type { Job } from "@/api/client";
import { followListed, refreshLists } from "@/jobs/store";
import { uniqueId } from "@/lib/id";

/** Starts a job and follows it. One submission has one key: a double click starts one job. */
export function useStart(start: (idempotencyKey: string) => Promise<Job>) {
  const [key, setKey] = useState(uniqueId);
  return useMutation({
    mutationFn: () => start(key),
    onSuccess: (job) => {
      followListed(job);
      refreshLists();
    },
    onSettled: () => setKey(uniqueId()),
  });
}
