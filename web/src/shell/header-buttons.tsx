import { ImagePlus, KeyRound, Keyboard, Monitor, Moon, Sun } from "lucide-react";

import { openKeys } from "@/state/keys-dialog";
import { useSession, type Theme } from "@/state/session";
import { IconButton } from "@/ui/icon-button";

import { GenerationProgress } from "./progress";

const THEMES: Record<Theme, { next: Theme; title: string; icon: typeof Sun }> = {
  system: { next: "light", title: "System theme", icon: Monitor },
  light: { next: "dark", title: "Light theme", icon: Sun },
  dark: { next: "system", title: "Dark theme", icon: Moon },
};

interface HeaderButtonsProps {
  onAdd: () => void;
  onHelp: () => void;
}

/** The buttons of the header. */
export function HeaderButtons({ onAdd, onHelp }: HeaderButtonsProps) {
  const { theme, setTheme, key } = useSession();
  const { next, title, icon: ThemeIcon } = THEMES[theme];
  return (
    <div className="ml-auto flex items-center">
      <GenerationProgress />
      <IconButton name="Add pictures" onClick={onAdd}>
        <ImagePlus />
      </IconButton>
      {key !== "" && (
        <IconButton name="API key" onClick={() => openKeys("key")}>
          <KeyRound />
        </IconButton>
      )}
      <IconButton name="Keyboard shortcuts" keys="?" className="max-sm:hidden" onClick={onHelp}>
        <Keyboard />
      </IconButton>
      <IconButton name={`${title}. Change the theme`} tip={title} onClick={() => setTheme(next)}>
        <ThemeIcon />
      </IconButton>
    </div>
  );
}
