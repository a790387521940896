import { Hand, LassoSelect, Search } from "lucide-react";
import type { ReactNode } from "react";

import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";

import { chooseTool, useMap } from "./store";

interface ToolbarProps {
  /** How many pictures are in view. */
  inView: number;
  onSearchInView: () => void;
}

/** What dragging does, and a search without a lasso. */
export function Toolbar({ inView, onSearchInView }: ToolbarProps) {
  const tool = useMap((state) => state.tool);
  return (
    <div
      role="group"
      aria-label="Tools of the map"
      className="absolute top-2 left-2 z-10 flex flex-wrap items-center gap-2"
    >
      <Segments
        label="What dragging does"
        className="border bg-well shadow-xs"
        value={tool}
        onChange={chooseTool}
        choices={[
          { value: "move", label: <Choice icon={<Hand />} name="Move" /> },
          { value: "lasso", label: <Choice icon={<LassoSelect />} name="Lasso" />, title: LASSO },
        ]}
      />
      <Button size="small" disabled={inView === 0} onClick={onSearchInView}>
        <Search />
        Search in view
      </Button>
    </div>
  );
}

const LASSO = "Draw a line around the pictures to search in";

function Choice({ icon, name }: { icon: ReactNode; name: string }) {
  return (
    <>
      {icon}
      {name}
    </>
  );
}
