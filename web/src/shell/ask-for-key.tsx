import { useEffect } from "react";

import { isUnauthorized } from "@/api/problem";
import { MOST_STYLES, useStyles } from "@/api/queries";
import { openKeys } from "@/state/keys-dialog";

/** Asks for a key at the start, if the server needs one for what the studio shows at once. */
export function AskForKey() {
  const { error } = useStyles(MOST_STYLES);
  const locked = isUnauthorized(error);
  useEffect(() => {
    if (locked) openKeys("key");
  }, [locked]);
  return null;
}
