// From wide to narrow: x * 2**-shift, rounded half to even, saturated.
//
// A negative shift goes to the left. SYMMETRIC leaves out the most negative code.

module requantize #(
    parameter IN_BITS = 32,
    parameter OUT_BITS = 8,
    parameter SYMMETRIC = 1
) (
    input wire signed [7:0] shift,
    input wire signed [IN_BITS-1:0] x,
    output wire signed [OUT_BITS-1:0] y
);
    // Room for the left shifts that a narrow x may need: beyond OUT_BITS all but 0 saturates.
    localparam WIDE = IN_BITS + OUT_BITS + 1;
    localparam signed [WIDE-1:0] ONE = 1;
    localparam signed [WIDE-1:0] MAX = (ONE <<< (OUT_BITS - 1)) - ONE;
    localparam signed [WIDE-1:0] MIN = SYMMETRIC ? -MAX : -MAX - ONE;

    wire [7:0] right = (shift > 0) ? shift : 0;
    wire [7:0] left = (shift < -OUT_BITS) ? OUT_BITS : (shift < 0) ? -shift : 0;

    wire signed [WIDE-1:0] wide = x;
    wire signed [WIDE-1:0] quotient = (wide <<< left) >>> right;
    wire signed [WIDE-1:0] dropped = wide - (quotient <<< right);
    wire signed [WIDE-1:0] half = ONE <<< (right - 1);
    wire up = right != 0 && (dropped > half || (dropped == half && quotient[0]));

    wire signed [WIDE-1:0] rounded = up ? quotient + ONE : quotient;
    wire signed [WIDE-1:0] clipped = (rounded > MAX) ? MAX : (rounded < MIN) ? MIN : rounded;
    assign y = clipped[OUT_BITS-1:0];
endmodule
