import { needsKey } from "@/api/problem";
import { openKeys } from "@/state/keys-dialog";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/states";

/** Why an edit was refused. Editing needs an admin's key. */
export function EditFailure({ error }: { error: unknown }) {
  if (error === null) return null;
  return (
    <div className="flex flex-col items-start gap-2">
      <Notice error={error} />
      {needsKey(error) && (
        <Button size="small" onClick={() => openKeys("adminKey")}>
          Enter an admin’s key
        </Button>
      )}
    </div>
  );
}
