// The picture of docs/tasks.md: a line for each model, of the same latents: ten clothes, ten digits, ten icons.
import { fileURLToPath } from "node:url";
import { cat, Generator, inferenceMode, randn } from "@disback/torch";
import { writeGrid } from "disback/data";

export async function drawPicture({ judges, teacher, methods }) {
  const path = fileURLToPath(new URL("../../docs/images/tasks.png", import.meta.url));
  const columns = 30;
  const lines = [judges.draw.ofTeacher(teacher)];
  for (const method of methods) {
    const students = judges.kept(method);
    if (students.length > 0) lines.push(judges.draw.ofStudents(students));
  }
  const samples = inferenceMode(() =>
    cat(
      lines.flatMap((draw) =>
        ["clothes", "digits", "icons"].map((task) => {
          const latents = randn([columns / 3, 1, 16, 16], { generator: new Generator(5) });
          const classes = Array.from({ length: columns / 3 }, (_, at) => (task === "icons" ? 0 : at));
          return draw(task, latents, classes);
        }),
      ),
    ),
  ).clone();
  await writeGrid(path, samples, { columns, scale: 2, padding: 2 });
  console.log(path);
}
