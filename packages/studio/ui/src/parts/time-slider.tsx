import { useEffect, useState } from "preact/hooks";

const MILLISECONDS_PER_FRAME = 700;

interface TimeSliderProps {
  count: number;
  index: number;
  caption: string;
  onChange: (index: number) => void;
}

/** A slider from the first picture to the last, which can also play. */
export function TimeSlider({ count, index, caption, onChange }: TimeSliderProps) {
  const [plays, setPlays] = useState(false);
  useEffect(() => {
    if (!plays) return;
    const timer = setTimeout(() => {
      if (index + 1 < count) onChange(index + 1);
      else setPlays(false);
    }, MILLISECONDS_PER_FRAME);
    return () => clearTimeout(timer);
  }, [plays, index, count]);
  if (count < 2) return null;
  return (
    <div class="time">
      <button
        type="button"
        onClick={() => {
          if (!plays && index === count - 1) onChange(0);
          setPlays(!plays);
        }}
      >
        {plays ? "Pause" : "Play"}
      </button>
      <input
        type="range"
        aria-label="moment of the samples"
        aria-valuetext={caption}
        min={0}
        max={count - 1}
        value={index}
        onInput={(event) => {
          setPlays(false);
          onChange(event.currentTarget.valueAsNumber);
        }}
      />
      <output>{caption}</output>
    </div>
  );
}
