//! Where a response ends when its prompt names its last marker.

use super::*;

#[test]
fn a_response_ends_with_the_last_marker_and_learns_from_every_token_that_was_sampled() {
    let mut policy = policy_with(&[]);
    let mut many = requests(30, 1.0);
    many.iter_mut().for_each(|it| it.new_tokens_max = 40);
    let free = respond(&mut policy, &many);
    many.iter_mut()
        .for_each(|it| it.prompt.last_marker = Some("ut\n"));
    let marked = respond(&mut policy, &many);
    let mut cut = 0;
    for (free, marked) in free.iter().zip(&marked) {
        let length = marked.tokens.len();
        assert_eq!(free.tokens[..length], marked.tokens[..]);
        assert_eq!(free.logprobs[..length], marked.logprobs[..]);
        // The marker lies inside one phrase of the vocabulary: what is left of it is in the tokens alone.
        match free.text.find("ut\n") {
            Some(at) => {
                cut += 1;
                assert_eq!(marked.finish, Finish::Stop);
                assert_eq!(marked.text, free.text[..at + 3]);
            }
            None => assert_eq!(free, marked),
        }
    }
    assert!(0 < cut && cut < 30, "{cut} of 30 responses were cut");
}
