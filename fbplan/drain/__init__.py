"""What must wait before it is removed, since when it waits, and what falls due. Pure: the clock is an argument.

    expand → publish the policy → drain → contract

A piece is one thing that contract would do: an attachment to give up, an access to lower, an object to delete. With
`routing.drain` on its repository it is held: the first apply publishes a policy without it and the ledger notes when;
once the time is over it is due. A delete that depends on what is held is held with it, and on nothing else.
"""
