//! Commands that go to their nodes in one round trip.

use futures_util::future::try_join_all;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

use crate::link::Link;
use crate::name::{Name, Shard};
use crate::script::ScriptNames;

/// Commands, each for the node of its shard. Those of one shard run in their order, and behind them the messages.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    link: &'a Link,
    commands: Vec<Vec<(usize, Cmd)>>,
    messages: Vec<Vec<Cmd>>,
    count: usize,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(link: &'a Link) -> Self {
        let of_each = || link.nodes.iter().map(|_| ());
        let (commands, messages) = (of_each().map(|()| Vec::new()).collect(), of_each().map(|()| Vec::new()).collect());
        Self { link, commands, messages, count: 0 }
    }

    pub(crate) fn add(&mut self, shard: Shard, command: Cmd) {
        self.commands[self.link.place(shard)].push((self.count, command));
        self.count += 1;
    }

    /// Sends a message by way of a node, when its commands have run.
    pub(crate) fn publish(&mut self, node: usize, channel: &[u8], message: &[u8]) {
        let mut command = Cmd::with_capacity(3, 16 + channel.len() + message.len());
        command.arg("PUBLISH").arg(channel).arg(message);
        self.messages[node].push(command);
    }

    /// Runs all; answers of the commands in the order in which they were added, or the first error.
    pub(crate) async fn run(self) -> RedisResult<Vec<Value>> {
        let nodes = self.link.nodes.iter().zip(self.commands.into_iter().zip(self.messages));
        let nodes = nodes.filter(|(_, (commands, _))| !commands.is_empty());
        let runs = nodes.map(|(node, (commands, messages))| async move {
            let (places, commands): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
            let answers = run_on(&node.connection().handle(), &self.link.scripts, commands, messages).await?;
            Ok::<_, RedisError>(places.into_iter().zip(answers).collect::<Vec<_>>())
        });
        let mut answers: Vec<_> = try_join_all(runs).await?.into_iter().flatten().collect();
        answers.sort_unstable_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}

/// Runs commands on one server and sends the messages behind them; those commands again, with the script itself, whose
/// script the server has forgotten, and then all messages again. Answers those of the commands.
pub(crate) async fn run_on(
    connection: &MultiplexedConnection,
    scripts: &ScriptNames,
    mut commands: Vec<Cmd>,
    messages: Vec<Cmd>,
) -> RedisResult<Vec<Value>> {
    let count = commands.len();
    commands.extend(messages);
    let mut answers = send(connection, &commands).await?;
    let mut again: Vec<usize> = (0..count).filter(|&at| is_forgotten(&answers[at])).collect();
    if !again.is_empty() {
        again.extend(count..commands.len());
        let repeated: Vec<Cmd> = again.iter().map(|&at| scripts.spelled_out(&commands[at])).collect();
        for (at, answer) in again.into_iter().zip(send(connection, &repeated).await?) {
            answers[at] = answer;
        }
    }
    let answers: RedisResult<Vec<Value>> = answers.into_iter().map(Value::extract_error).collect();
    let mut answers = answers?;
    answers.truncate(count);
    Ok(answers)
}

async fn send(connection: &MultiplexedConnection, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
    let mut connection = connection.clone();
    if let [command] = commands {
        return Ok(vec![connection.req_packed_command(command).await?]);
    }
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    connection.req_packed_commands(&pipeline, 0, commands.len()).await
}

fn is_forgotten(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// The values of keys, in the order of their names.
pub(crate) async fn get(link: &Link, names: &[Name]) -> RedisResult<Vec<Value>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(node) = link.single() {
        let command = mget(link, names);
        let mut connection = node.connection().handle();
        let answer = connection.send_packed_command(&command).await?.extract_error()?;
        return array(answer, names.len());
    }
    let groups = link.groups(names);
    let mut batch = Batch::new(link);
    for group in &groups {
        let of_group: Vec<Name> = group.iter().map(|&at| names[at]).collect();
        batch.add(of_group[0].shard, mget(link, &of_group));
    }
    let mut values = vec![Value::Nil; names.len()];
    for (group, answer) in groups.iter().zip(batch.run().await?) {
        for (&at, value) in group.iter().zip(array(answer, group.len())?) {
            values[at] = value;
        }
    }
    Ok(values)
}

fn mget(link: &Link, names: &[Name]) -> Cmd {
    let mut command = link.command("MGET", names.len());
    link.add_keys(&mut command, names);
    command
}

/// The answer to `GET`. Something else than a string is nothing of ours.
pub(crate) fn value(answer: Value) -> RedisResult<Value> {
    match answer {
        Value::ServerError(error) if error.code() == "WRONGTYPE" => Ok(Value::Nil),
        answer => answer.extract_error(),
    }
}

/// An array of so many values.
pub(crate) fn array(answer: Value, length: usize) -> RedisResult<Vec<Value>> {
    match answer {
        Value::Array(values) if values.len() == length => Ok(values),
        _ => Err(crate::error::unexpected("an array")),
    }
}

/// The bytes of a value that is there.
pub(crate) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}
