//! Explanations: a plan in words.

use std::fmt;

use super::SchemaPlan;

impl fmt::Display for SchemaPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            writeln!(f, "nothing to change")?;
        }
        for (number, planned) in (1..).zip(self.steps()) {
            writeln!(f, "{number}. {}", planned.step.what)?;
            for text in &planned.step.sql {
                writeln!(f, "       {};", text.replace('\n', "\n       "))?;
            }
            for effect in &planned.step.effects {
                writeln!(f, "   - {effect}")?;
            }
        }
        for left in self.left() {
            writeln!(f, "left alone: {left}")?;
        }
        for refusal in self.refused() {
            writeln!(f, "refused: {refusal}")?;
        }
        Ok(())
    }
}
