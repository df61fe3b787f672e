// Multiply-accumulate with a register of any width.
//
// On a clock with `enable`:  acc <= fit((first ? 0 : acc) + a * b).
// OVERFLOW 0: keep the low bits. 1: saturate to -2**(n-1) .. 2**(n-1)-1. 2: to +-(2**(n-1)-1).

module mac #(
    parameter A_BITS = 8,
    parameter B_BITS = 8,
    parameter ACC_BITS = 32,
    parameter OVERFLOW = 0
) (
    input wire clk,
    input wire enable,
    input wire first,
    input wire signed [A_BITS-1:0] a,
    input wire signed [B_BITS-1:0] b,
    output reg signed [ACC_BITS-1:0] acc
);
    // One bit more than the wider of product and register holds every sum of the two.
    localparam WIDE = (A_BITS + B_BITS > ACC_BITS ? A_BITS + B_BITS : ACC_BITS) + 1;
    localparam signed [WIDE-1:0] ONE = 1;
    localparam signed [WIDE-1:0] MAX = (ONE <<< (ACC_BITS - 1)) - ONE;
    localparam signed [WIDE-1:0] MIN = (OVERFLOW == 2) ? -MAX : -MAX - ONE;

    wire signed [WIDE-1:0] product = a * b;
    wire signed [WIDE-1:0] before = first ? 0 : acc;
    wire signed [WIDE-1:0] sum = before + product;
    wire signed [WIDE-1:0] clipped = (sum > MAX) ? MAX : (sum < MIN) ? MIN : sum;
    wire signed [WIDE-1:0] next = (OVERFLOW == 0) ? sum : clipped;

    always @(posedge clk)
        if (enable)
            acc <= next[ACC_BITS-1:0];
endmodule
